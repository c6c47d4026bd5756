package org.luthier.decoder.beam;

import org.luthier.api.plugin.Parameter;

/** The parameter that both decoders have. */
final class LengthPenalty {
    static final String NAME = "length-penalty";
    static final Parameter PARAMETER = Parameter.number(
            NAME,
            0.6,
            0,
            10,
            "",
            "Power of a row's length that its log-probability is divided by: 0 favours short rows.");

    private LengthPenalty() {}
}
