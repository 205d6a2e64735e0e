"""BOHB (Falkner et al., ICML 2018), by HpBandSter's own classes, in process."""
