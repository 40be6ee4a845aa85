namespace KafkaOracleOrleans.Processing.Expressions;

/// <summary>The codes of this room's faults.</summary>
internal static class ErrorCode
{
    public const string Empty = "KOR3001";
    public const string Limit = "KOR3002";
    public const string BadCharacter = "KOR3003";
    public const string Unterminated = "KOR3004";
    public const string BadNumber = "KOR3005";
    public const string UnexpectedToken = "KOR3006";
    public const string ForeignOperator = "KOR3007";
    public const string UnknownField = "KOR3010";
    public const string UnknownFunction = "KOR3011";
    public const string ArgumentCount = "KOR3012";
    public const string ArgumentType = "KOR3013";
    public const string OperandType = "KOR3014";
    public const string NoCommonType = "KOR3015";
    public const string UnknownType = "KOR3016";
    public const string NoSuchCast = "KOR3017";
    public const string BadLiteral = "KOR3018";
    public const string ConstantRequired = "KOR3019";
    public const string BadPattern = "KOR3020";
    public const string ConstantFails = "KOR3021";
    public const string ResultType = "KOR3022";
    public const string UntypedNull = "KOR3023";

    public const string Overflow = "KOR3101";
    public const string DivisionByZero = "KOR3102";
    public const string CastFailed = "KOR3103";
    public const string Domain = "KOR3104";
    public const string TooLong = "KOR3105";
    public const string TimeRange = "KOR3106";
    public const string TooMuchWork = "KOR3107";
}
