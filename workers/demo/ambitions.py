"""What some of the pairs want to reach. Only the two of each pair ever see it on the site."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone: due so many days from now, and done so many days from now (None: not yet)."""

    what: str
    due: int
    done: int | None = None


@dataclass(frozen=True, slots=True)
class Ambition:
    """A goal of one pair, set by its mentee."""

    mentor: str
    mentee: str
    what: str
    why: str
    progress: int
    steps: tuple[Step, ...]


AMBITIONS = (
    Ambition(
        "Valentina Restrepo",
        "Camila Ospina",
        "Presentar el modelo de demanda al comité",
        "Quiero que mis análisis lleguen a quien decide, no solo a mi equipo.",
        60,
        (
            Step("Contar el modelo en cinco láminas", -60, -63),
            Step("Ensayar con Producto", -20, -18),
            Step("Presentar al comité", 18),
        ),
    ),
    Ambition(
        "Valentina Restrepo",
        "Diego Armenta",
        "Pasar de apagar incendios a planear la operación",
        "",
        35,
        (Step("Tablero semanal de riesgos", -30, -27), Step("Delegar los turnos de fin de semana", 25)),
    ),
    Ambition(
        "Marcus Oyelaran",
        "Emily Nakamura",
        "Lead the integration with the first outside customer",
        "I want to hear what customers need before it becomes a ticket.",
        70,
        (
            Step("Shadow three customer calls", -70, -66),
            Step("Write the integration guide", -25, -21),
            Step("Run the kick-off by myself", 12),
        ),
    ),
    Ambition(
        "Marcus Oyelaran",
        "Emily Nakamura",
        "Give a talk at the spring engineering day",
        "",
        15,
        (Step("Choose a topic", 20), Step("Practice in front of the team", 60)),
    ),
    Ambition(
        "Carmen Ibáñez",
        "Álvaro Cortés",
        "Dirigir mi primera negociación de renovación",
        "Con apoyo, pero llevando yo la conversación.",
        50,
        (Step("Mapa de interesados", -45, -44), Step("Simulacro con Carmen", 9)),
    ),
    Ambition(
        "Nuria Casals",
        "Ainhoa Goñi",
        "Preparar mi candidatura a ingeniera principal",
        "",
        40,
        (Step("Documento de diseño del planificador", -15, -10), Step("Revisión con dos pares", 30)),
    ),
    Ambition(
        "Grace Whitfield",
        "Jasmine Okafor",
        "Own the on-call redesign from proposal to rollout",
        "",
        80,
        (Step("Proposal accepted", -80, -82), Step("Two quiet weeks in a row", 15)),
    ),
    Ambition(
        "Ximena Cárdenas",
        "Tomás Aguirre",
        "Aprender a decir que no con datos",
        "",
        25,
        (Step("Definir tres métricas de producto", -5),),
    ),
)
