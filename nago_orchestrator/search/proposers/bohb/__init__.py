"""`bohb`: Hyperband's brackets with a density model (Falkner, Klein and Hutter, 2018), by HpBandSter's own classes."""
