"""What lnwatch speaks with LND: our own minimal `.proto` files and the modules generated from them.

`*_pb2.py` and `*_pb2.pyi` are written by `python -m lnwatch.grpc_stubs.generate` and never by hand.
"""
