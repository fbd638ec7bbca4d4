"""All that touches a model's code: manifest, formats, validation, batching, the serving process."""
