"""mistralish: a durable workflow service that speaks the OpenStack Mistral v2 API and language."""

__version__ = "0.1.0"
