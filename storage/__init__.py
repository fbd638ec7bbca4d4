"""Records of the topics, deployments and model files in; rows, routes and files out, as long as they are kept."""
