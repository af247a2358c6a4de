"""Every command and every Python call of python-mistralclient, as scenarios that record what they ran."""
