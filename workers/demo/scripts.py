"""The twenty-four pairs. Only the unusual is written down; otherwise they met as planned."""

from workers.demo.plot import Script

SCRIPTS = (
    # Leadership: the first wave, every two weeks, half a year old.
    Script("Carmen Ibáñez", "Álvaro Cortés", "leaders", 8, "16:00",
           {-10: "cancelled by mentee", -7: "moved on", -4: "moved within"}, series=True),
    Script("Rodrigo Peñaloza", "Mariana Treviño", "leaders", 8, "11:00",
           {-8: "late", -6: "nothing", -4: "early"}, tag="category"),
    Script("Valentina Restrepo", "Diego Armenta", "leaders", 9, "10:00", {-6: "cancelled by mentee"},
           series=True),
    Script("Valentina Restrepo", "Camila Ospina", "leaders", 3, "15:00",
           {-7: "no show of mentee", 0: "not yet said", 2: "nothing"}),
    Script("Marcus Oyelaran", "Emily Nakamura", "leaders", 8, "14:00",
           {-3: "cancelled by mentor", 0: "mentor said"}, series=True, tag="category"),
    Script("Íñigo Larrañaga", "Lucía Navarro", "leaders", 10, "12:30",
           {-5: "moved on", -2: "no show of mentor", -1: "cancelled by mentor", 0: "cancelled by mentor"},
           series=True),
    Script("Ximena Cárdenas", "Tomás Aguirre", "leaders", 4, "09:30", {-10: "nothing", -5: "chain"}),
    Script("Andrés Felipe Quintero", "Agustín Sosa", "leaders", 9, "11:00",
           {-6: "no show of mentor", -1: "nothing"}, tag="category"),
    Script("Carmen Ibáñez", "Sergio Peláez", "leaders", 3, "13:00",
           {-8: "no show of mentor", -4: "nothing", -1: "they disagree"}),
    Script("Begoña Urrutia", "Juan Pablo Rincón", "leaders", 9, "16:30",
           {-6: "neither came", -1: "cancelled by mentee", 0: "ahead"}, series=True, tag="category"),
    Script("Paula Giménez", "Hannah Brandt", "leaders", 8, "13:00",
           {-7: "cancelled by mentor", -3: "moved within", -1: "moved ahead", 0: "ahead"},
           series=True, tag="address"),
    Script("Santiago Lozano", "Ryan Castillo", "leaders", 3, "15:30",
           {-8: "nothing", -5: "no show of mentee", -1: "made up just now", 0: "ahead"}),
    # The second wave, three months later, and one who joined in between.
    Script("Paula Giménez", "Regina Solís", "second wave", 3, "14:30",
           {-4: "nobody says", -2: "nobody says"}, tag="address"),
    Script("Rodrigo Peñaloza", "Marta Ferrer", "joined late", 5, "09:00", {-3: "nothing", 0: "nothing"}),
    # Women in Engineering: every month, two of them twice.
    Script("Nuria Casals", "Ainhoa Goñi", "engineers", 9, "12:00", series=True),
    Script("Daniela Montes de Oca", "Fernanda Ríos", "engineers", 4, "10:30",
           {-4: "nothing"}, tag="category"),
    Script("Sofía Echeverri", "Laura Bermúdez", "engineers", 8, "11:30", {-3: "away"}),
    Script("Florencia Bianchi", "Milagros Acuña", "engineers", 23, "15:00",
           {-1: "no show told today"}, tag="category"),
    Script("Grace Whitfield", "Jasmine Okafor", "engineers twice", 3, "10:00"),
    Script("Priya Raghunathan", "Elena Vidal", "engineers", 7, "09:00",
           {-2: "nothing", -1: "nothing", 0: "nothing"}),
    Script("Grace Whitfield", "Ana Sofía Cantú", "engineers", 5, "15:00", {-2: "with another"}),
    # Onboarding buddies: every week for a quarter.
    Script("Julián Arbeláez", "Nicolás Pardo", "buddies", 3, "09:30", {-7: "cancelled by mentee", -4: "away"},
           series=True),
    Script("Héctor Zúñiga", "Olivia Marsh", "next", 2, "11:00"),
    Script("Martín Etcheverry", "Iván Molina", "past", 3, "10:00",
           {-8: "moved within", -11: "no show of mentee"}, series=True),
)  # fmt: skip
