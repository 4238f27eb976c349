"""Events on their way out to chats and programs."""
