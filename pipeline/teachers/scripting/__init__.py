"""The rules behind the scripted teacher: read a module, write its kernel, talk about it, make mistakes."""
