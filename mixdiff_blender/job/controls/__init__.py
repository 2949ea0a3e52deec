"""Pictures of a scene that hold what is painted to it: depth, normals, edges, segments."""
