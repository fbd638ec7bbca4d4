"""A model folder's files in; its manifest, reference, test rows and schema as plain values out."""
