"""Pages for people, and the door that Prometheus scrapes through: `app.create_app`, `server.bind` and `server.serve`.

Nothing is imported here: whoever reads the settings alone, as every command does, is spared FastAPI.
"""
