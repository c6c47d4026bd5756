package org.luthier.nn.t5;

import java.util.List;
import java.util.Map;
import org.luthier.api.model.Computation;
import org.luthier.nn.Activation;

/** What several layers tell about their tensors. */
final class Computed {
    private Computed() {}

    /** activation(x W). */
    static Computation projection(String output, String input, String weight, Activation activation) {
        return new Computation(
                output,
                Computation.PROJECTION,
                List.of(input),
                Map.of("weight", weight),
                Map.of("activation", activation.word()));
    }

    /** x W. */
    static Computation projection(String output, String input, String weight) {
        return projection(output, input, weight, Activation.NONE);
    }

    /** What a part of a block is added to, and the part. */
    static Computation sum(String output, String stream, String part) {
        return new Computation(output, Computation.SUM, List.of(stream, part), Map.of(), Map.of());
    }
}
