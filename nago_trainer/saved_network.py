"""Published path of `load_network`; the code is in `nago_trainer.network.saved_network`."""

from nago_trainer.network.saved_network import TrainedNetwork, load_network

__all__ = ["TrainedNetwork", "load_network"]
