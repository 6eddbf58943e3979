"""The models that gateway and launcher both know: health and its parts."""
