"""The Job of one attempt as a value: settings, labels, resources, pod template. Pure."""
