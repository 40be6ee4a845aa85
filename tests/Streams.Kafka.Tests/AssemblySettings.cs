// Tests start whole clusters; one after the other keeps their timing and memory figures meaningful.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
