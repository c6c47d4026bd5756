package org.luthier.debug.doctor;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;

/**
 * A checkpoint and the model it is taken for.
 *
 * @param checkpoint as the file has it
 * @param definition null if no model is of its family
 * @param rules that its names follow, or come nearest to
 * @param weights under canonical names as far as the rules know them; nothing need be there
 */
record Examined(
        Checkpoint checkpoint, ModelFamily family, ModelDefinition definition, NameRules rules, MappedWeights weights) {
    Examined(Checkpoint checkpoint, ModelFamily family, ModelDefinition definition, NameRules rules) {
        this(checkpoint, family, definition, rules, rules.survey(checkpoint));
    }

    /** The tensors by canonical name. */
    Map<String, TensorInfo> tensors() {
        return weights.asCheckpoint().tensors();
    }

    /** The name that a weight has in the file, with the canonical one where that is another. */
    String told(String canonical) {
        String source = weights.sourceName(canonical);
        return source.equals(canonical) ? "'" + canonical + "'" : "'" + source + "' (" + canonical + ")";
    }

    List<String> told(List<String> canonical) {
        return canonical.stream().map(this::told).toList();
    }
}
