"""Published path of `load_network`; the code is in `nago_trainer.network`."""

from nago_trainer.network.prediction import Prediction
from nago_trainer.network.saved_network import TrainedNetwork, load_network

__all__ = ["Prediction", "TrainedNetwork", "load_network"]
