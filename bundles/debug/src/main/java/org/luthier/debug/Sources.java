package org.luthier.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.model.Computation;

/**
 * What a reference must hold so that a tensor can be judged by itself: everything that its computation reads.
 *
 * <p>Of an input that was kept in part, a computation that treats the entries of a dimension one by one needs only the entries that are
 * judged; what cannot be judged of a tensor for that is left out of it.
 */
record Sources(RecordedTensor judged, List<String> missing) {
    /** Every dimension is treated entry by entry, so that any part of an input is enough for that part of the output. */
    private static final Set<String> BY_ELEMENT = Set.of(
            Computation.SUM,
            Computation.PRODUCT,
            Computation.ACTIVATION,
            Computation.AFFINE,
            Computation.LOGARITHM,
            Computation.POSITIONS);

    /** The same but for the last dimension, which is read as a whole. */
    private static final Set<String> BY_VECTOR =
            Set.of(Computation.PROJECTION, Computation.RMS_NORM, Computation.SOFTMAX, Computation.MEL_BANDS);

    /**
     * Looks up the inputs of a tensor.
     *
     * @param computation how it is made
     * @param reference what is known of the tensors, by their names
     */
    static Sources of(RecordedTensor tensor, Computation computation, Map<String, RecordedTensor> reference) {
        RecordedTensor judged = tensor;
        List<String> missing = new ArrayList<>();
        for (String input : computation.inputs()) {
            RecordedTensor recorded = reference.get(input);
            if (recorded == null || recorded.slices().stream().anyMatch(slice -> !splits(computation, tensor, slice))) {
                missing.add(input);
                continue;
            }
            for (Slice slice : recorded.slices()) {
                judged = judged.only(slice.axis(), slice.indices().toArray());
            }
        }
        return new Sources(judged, missing);
    }

    /**
     * Of a tensor that nobody tells about: all that was offered before it.
     *
     * @param before names of the tensors that the model offered before it
     */
    static Sources of(RecordedTensor tensor, List<String> before, Map<String, RecordedTensor> reference) {
        return new Sources(
                tensor,
                before.stream()
                        .filter(name -> !reference.containsKey(name)
                                || !reference.get(name).slices().isEmpty())
                        .toList());
    }

    private static boolean splits(Computation computation, RecordedTensor output, Slice slice) {
        int last = output.shape().size() - 1;
        return BY_ELEMENT.contains(computation.operation())
                || BY_VECTOR.contains(computation.operation()) && slice.axis() < last;
    }
}
