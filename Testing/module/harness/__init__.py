"""A strict stand-in for the Slicer application: PySide6 answering as PythonQt, over a real MRML scene.

What a script sees are wrappers that have exactly the members listed in ``classes.json`` (``wrapped.py``).
Behind them work plain PySide6 widgets (``ctk_*.py``, ``mrml_*.py``); ``native.native(wrapper)`` gives one.
Tests use the fixtures in ``fixtures.py``; ``journal.py`` keeps what happened and the answers to dialogs.
"""
