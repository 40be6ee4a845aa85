using System.Globalization;
using System.Runtime.CompilerServices;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>Compares the rows of an output with those expected, in any order.</summary>
internal static class RowComparison
{
    /// <summary>More differences of one output than this are only counted.</summary>
    private const int MaxFailures = 20;

    public static IReadOnlyList<TestFailure> Compare(TestOutput output, ExpectedRows expected, List<object?[]> actual, WorkBudget? budget)
    {
        var failures = new List<TestFailure>();
        if (expected.Rows is null)
        {
            if (expected.Count != actual.Count)
            {
                failures.Add(new TestFailure(
                    output.Name, Counted(expected.Count), Counted(actual.Count), expected.Node.Start.Line));
                foreach (var row in actual.Take(5)) failures.Add(new TestFailure(output.Name, "", Show(output, row), expected.Node.Start.Line));
            }

            return failures;
        }

        var rows = expected.Rows.Cast<MapNode>().ToArray();
        var partner = Match(output, rows, actual, budget);
        Explain(output, rows, actual, partner, expected.Node.Start.Line, failures, budget);
        if (failures.Count <= MaxFailures) return failures;
        var rest = failures.Count - MaxFailures;
        failures.RemoveRange(MaxFailures, rest);
        failures.Add(new TestFailure(output.Name, "", string.Create(CultureInfo.InvariantCulture, $"... and {rest} more differences"), expected.Node.Start.Line));
        return failures;
    }

    /// <summary>
    /// For each expected row the actual row that is its own, or -1. Since expected rows may leave columns out, a row may fit several: the
    /// largest matching is looked for (augmenting paths).
    /// </summary>
    private static int[] Match(TestOutput output, MapNode[] rows, List<object?[]> actual, WorkBudget? budget)
    {
        var partner = new int[rows.Length];
        var takenBy = new int[actual.Count];
        Array.Fill(partner, -1);
        Array.Fill(takenBy, -1);
        // Only rows that are not where they are expected are held against all others.
        var fits = new bool?[rows.Length][];

        bool Try(int row, bool[] seen)
        {
            // Rows that leave much open can push one another on without end.
            if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) return false;
            if (fits[row] is null)
            {
                budget?.Bytes(2L * actual.Count);
                fits[row] = new bool?[actual.Count];
            }

            for (var i = 0; i < actual.Count; i++)
            {
                budget?.Work(8);
                if (seen[i] || !(fits[row][i] ??= Fits(row, i))) continue;
                seen[i] = true;
                if (takenBy[i] >= 0 && !Try(takenBy[i], seen)) continue;
                takenBy[i] = row;
                partner[row] = i;
                return true;
            }

            return false;
        }

        bool Fits(int row, int i)
        {
            budget?.Work(256);
            return Score(output, rows[row], actual[i]) == rows[row].Entries.Count;
        }

        for (var row = 0; row < rows.Length; row++)
        {
            // The same place first: then long tests compare in linear time.
            if (row < actual.Count && takenBy[row] < 0 && Fits(row, row))
                (partner[row], takenBy[row]) = (row, row);
            else
                Try(row, new bool[actual.Count]);
        }

        return partner;
    }

    private static void Explain(
        TestOutput output, MapNode[] rows, List<object?[]> actual, int[] partner, int line, List<TestFailure> failures, WorkBudget? budget)
    {
        var free = Enumerable.Range(0, actual.Count).Except(partner).ToList();
        for (var row = 0; row < rows.Length; row++)
        {
            if (partner[row] >= 0) continue;
            var place = string.Create(CultureInfo.InvariantCulture, $"{output.Name}[{row}]");
            budget?.Work(256L * free.Count);
            var near = free.Count == 0 ? -1 : free.MaxBy(i => Score(output, rows[row], actual[i]));
            if (near < 0 || (Score(output, rows[row], actual[near]) == 0 && rows[row].Entries.Count > 1))
            {
                failures.Add(new TestFailure(place, Show(rows[row]), "", rows[row].Start.Line));
                continue;
            }

            free.Remove(near);
            foreach (var entry in rows[row].Entries)
            {
                var column = output.ColumnOf(entry.Key.Raw);
                if (ExpectedValue.Matches(output.Schema[column].Type, entry.Value, actual[near][column])) continue;
                failures.Add(new TestFailure(
                    $"{place}.{entry.Key.Raw}", ExpectedValue.Show(entry.Value), ColumnText.Text(actual[near][column]),
                    entry.Value.Start.Line));
            }
        }

        foreach (var extra in free) failures.Add(new TestFailure(output.Name, "", Show(output, actual[extra]), line));
    }

    private static int Score(TestOutput output, MapNode expected, object?[] actual)
    {
        var equal = 0;
        foreach (var entry in expected.Entries)
        {
            var column = output.ColumnOf(entry.Key.Raw);
            if (ExpectedValue.Matches(output.Schema[column].Type, entry.Value, actual[column])) equal++;
        }

        return equal;
    }

    private static string Counted(long count) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} row{(count == 1 ? "" : "s")}");

    private static string Show(MapNode row) =>
        "{ " + string.Join(", ", row.Entries.Select(e => $"{e.Key.Raw}: {ExpectedValue.Show(e.Value)}")) + " }";

    private static string Show(TestOutput output, object?[] row) =>
        "{ " + string.Join(", ", output.Schema.Fields.Select((f, i) => $"{f.Name}: {ColumnText.Text(row[i])}")) + " }";
}
