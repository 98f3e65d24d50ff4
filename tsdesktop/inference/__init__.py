"""Where networks run, in a process of their own: the only room that imports torch and nnunetv2. Never Qt."""
