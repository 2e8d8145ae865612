"""Two Grafana boards: `python -m dashboards.build` writes their JSON beside this file."""

import warnings

# The SDK would rather have boards of version 2, which Grafana 11 and 12 can't read.
warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
