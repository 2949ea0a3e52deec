"""The method: masks, noise, the sampler, and a job from its start to its picture."""
