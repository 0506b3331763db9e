"""MLflow's stores: folders of small files, or a database."""
