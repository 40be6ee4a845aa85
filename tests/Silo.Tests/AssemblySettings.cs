// Tests start whole silos; one after the other keeps their times short and alike.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
