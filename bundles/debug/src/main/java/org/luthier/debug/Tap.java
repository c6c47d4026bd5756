package org.luthier.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.luthier.api.model.Position;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A tensor as a probe was offered it, and where in the whole it stands.
 *
 * @param tensor the layer's own memory
 * @param copy what it holds, with the slices that it is of the whole; its values are this tap's own and may be changed
 * @param slots for each row, segment * channels + channel
 */
record Tap(INDArray tensor, RecordedTensor copy, List<Integer> slots) {
    static Tap of(String name, Position at, INDArray tensor) {
        List<Integer> shape = IntStream.of(Tensors.shape(tensor)).boxed().toList();
        boolean integers = tensor.dataType().isIntType();
        boolean steps = at.step() >= 0;
        // Ids come as whole rows.
        List<Slice> slices = steps && !integers ? slices(shape, at.step()) : List.of();
        RecordedTensor copy =
                new RecordedTensor(name, shape, Tensors.floats(tensor), slices, Double.NaN, integers, steps);
        return new Tap(tensor, copy, IntStream.of(at.slots().toArray()).boxed().toList());
    }

    /** What part of all steps the tensor of one call is: its own positions, and of scores the keys so far. */
    private static List<Slice> slices(List<Integer> shape, int step) {
        int stepAxis = RecordedTensor.stepAxis(shape.size());
        List<Slice> slices = new ArrayList<>();
        slices.add(Slice.range(stepAxis, step, shape.get(stepAxis)));
        if (stepAxis > 1) {
            int keys = shape.size() - 1;
            slices.add(Slice.range(keys, 0, shape.get(keys)));
        }
        return slices;
    }

    /**
     * Puts what a reference holds of this place into the layer's memory.
     *
     * @param ofReference numbers of the segments in the reference
     */
    void overwrite(RecordedTensor reference, List<Integer> ofReference) {
        if (copy.integers()) {
            return;
        }
        CommonPlaces common = CommonPlaces.of(copy, slots, reference, ofReference);
        CommonPlaces.Axis last = common.last();
        float[] values = copy.values();
        common.forEachLine((index, inTap, inReference) -> {
            for (int i = 0; i < last.size(); i++) {
                float recorded = reference.values()[inReference + last.reference()[i]];
                if (!RecordedTensor.isAbsent(recorded)) {
                    values[inTap + last.trace()[i]] = recorded;
                }
            }
        });
        Tensors.write(values, tensor);
    }
}
