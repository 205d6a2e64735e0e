"""`mobohb`: Hyperband's brackets (Li et al., 2018) for several objectives, with MOTPE's densities (Ozaki et al.,
2020)."""
