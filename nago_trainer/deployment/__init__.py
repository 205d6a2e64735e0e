"""What is done with a saved network after the search: classify images, measure, export."""
