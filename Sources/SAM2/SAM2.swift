// SAM2
