package org.luthier.debug.cause;

import java.util.Arrays;
import java.util.List;
import org.luthier.api.model.Computation;
import org.luthier.debug.RecordedTensor;

/** A tensor that nobody recorded, but whose numbers somebody did: in the order before they were moved. */
public final class Rearrangement {
    private Rearrangement() {}

    /** Whether a computation moves numbers and does nothing else. */
    public static boolean is(Computation computation) {
        return computation != null && computation.operation().equals(Computation.REARRANGEMENT);
    }

    /**
     * What a rearrangement makes of a recorded tensor.
     *
     * @param input recorded whole
     * @param shape sizes of the output, those of its rows for any number of segments
     * @return null if the sizes do not fit
     */
    public static RecordedTensor of(Computation computation, RecordedTensor input, List<Integer> shape) {
        Arrangement arrangement = Arrangement.of((String) computation.settings().get("pattern"));
        int[] in = ints(input.shape());
        int[] out = ints(shape);
        out[0] = 0;
        int[] whole = arrangement.shape(in, out);
        if (whole == null) {
            return null;
        }
        int[] places = arrangement.places(in, whole);
        float[] values = new float[places.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = input.values()[places[i]];
        }
        List<Integer> sizes = Arrays.stream(whole).boxed().toList();
        return new RecordedTensor(computation.output(), sizes, values, List.of(), input.noise());
    }

    private static int[] ints(List<Integer> sizes) {
        return sizes.stream().mapToInt(Integer::intValue).toArray();
    }
}
