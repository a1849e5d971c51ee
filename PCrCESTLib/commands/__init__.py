"""The subcommands of ``pcrcest``, one a module: ``add_parser`` describes it, ``run`` does it."""
