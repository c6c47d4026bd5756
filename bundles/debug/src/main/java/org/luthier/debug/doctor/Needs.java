package org.luthier.debug.doctor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.model.TokenModel;

/**
 * What a model needs of a checkpoint: it is built once of nothing but zeros, and what it asks for is noted.
 *
 * @param shapes of its weights, by canonical name
 * @param rows rows of its output matrix; 0 of a model that writes no tokens
 * @param ids how many of them mean something
 */
record Needs(Map<String, List<Long>> shapes, int rows, int ids) {
    static Needs of(ModelFamily family, ModelDefinition definition, Execution execution) {
        Asked asked = new Asked();
        try (Model model = family.load(definition, asked, execution)) {
            return model instanceof TokenModel tokens
                    ? new Needs(
                            asked.shapes,
                            tokens.layout().outputRows(),
                            tokens.layout().vocabulary().size())
                    : new Needs(asked.shapes, 0, 0);
        }
    }

    /** How many of the weights are there, in the right shape. */
    long met(Map<String, TensorInfo> tensors) {
        return shapes.entrySet().stream()
                .filter(need -> tensors.containsKey(need.getKey())
                        && tensors.get(need.getKey()).shape().equals(need.getValue()))
                .count();
    }

    private static final class Asked implements Weights {
        private final Map<String, List<Long>> shapes = new LinkedHashMap<>();

        @Override
        public float[] take(String name, long... shape) {
            shapes.put(name, LongStream.of(shape).boxed().toList());
            return new float[Math.toIntExact(LongStream.of(shape).reduce(1, Math::multiplyExact))];
        }

        @Override
        public String sourceName(String name) {
            return name;
        }

        @Override
        public Ledger ledger() {
            return new Ledger("nothing", "", "", List.of());
        }

        @Override
        public void finish() {}
    }
}
