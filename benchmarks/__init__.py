"""Measurements of the product's speed and size: figures beside what they compare with, never a verdict on time."""
