namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>A live window of a key with its aggregates as they stand.</summary>
/// <param name="Start">The window's start, ms since the Unix epoch.</param>
/// <param name="End">The window's end, ms since the Unix epoch; not inside the window.</param>
/// <param name="Revision">How often the window has fired; 0: not yet.</param>
/// <param name="Changed">True when it holds rows that no firing has shown yet.</param>
/// <param name="Values">
/// The aggregates in their order, NULL as null: <see cref="long"/> for integers, timestamps (microseconds) and dates (days), <see cref="decimal"/>,
/// <see cref="double"/>, <see cref="bool"/>, <see cref="string"/> for strings and JSON, <c>byte[]</c> for bytes.
/// </param>
public sealed record WindowValue(long Start, long End, long Revision, bool Changed, IReadOnlyList<object?> Values);
