"""Where networks run, in a process of their own: the only room that imports torch, openvino and nnunetv2. Never Qt."""

import os

# Read once, when numpy is loaded. Its own threads spin while they wait: with another busy program on the same cores
# products of small matrices take ten times as long. Where several threads help, they are made here (see `heads`).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
