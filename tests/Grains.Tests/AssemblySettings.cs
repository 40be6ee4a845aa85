// Tests start whole clusters and mostly wait; more than two at once would make their times long and unlike.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.Collections, MaxThreads = 2)]
