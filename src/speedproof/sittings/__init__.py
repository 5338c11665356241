"""The order of the stages on one machine: prove, count, time, trace, sweep, resume."""
