namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>A value and where it was written.</summary>
/// <param name="Value">The value.</param>
/// <param name="Node">The node it was read from; for a missing value the mapping that lacks it.</param>
/// <param name="Faulty">True when the value is a stand-in for something missing or wrong, which was noted
/// already.</param>
public sealed record Located<T>(T Value, TextNode Node, bool Faulty = false);

/// <summary>An entry of a mapping with names of the user's own.</summary>
public sealed record Named<T>(Located<string> Name, T Value);
