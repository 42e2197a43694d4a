// Placeholder until the comparators land.
