"""What the programmer's screen shows: strips and markers, made from the beat table."""
