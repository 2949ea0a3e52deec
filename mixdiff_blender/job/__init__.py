"""From a scene to a job: reads, never writes."""
