"""What staff see: generated screens over Flask-Admin, identity by Flask-AppBuilder."""
