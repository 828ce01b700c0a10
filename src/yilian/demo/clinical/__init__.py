"""What happened to the residents: one small module for each illness or programme, all writing into a `Chart`."""
