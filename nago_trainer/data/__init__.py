"""Image datasets as arrays, their validation split and their augmentation.

Everything that `describe` needs imports no torch: `catalogue`, `digits`, `folder`, `cifar`, `images`.
"""
