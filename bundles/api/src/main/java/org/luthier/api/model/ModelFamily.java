package org.luthier.api.model;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.plugin.Part;

/** Builds the models of one family. A new family is one bundle with one of these, and a folder under {@code models/}. */
public interface ModelFamily extends Part {
    /**
     * Whether a checkpoint is of this family, by its names and shapes, never by the file's name.
     */
    boolean recognises(Checkpoint checkpoint);

    /**
     * Whether a checkpoint that the family recognises is of one of its models, by shapes and metadata. A family with one model need not
     * override this.
     */
    default boolean fits(ModelDefinition definition, Checkpoint checkpoint) {
        return recognises(checkpoint);
    }

    /**
     * The model that a checkpoint itself describes, in its metadata, for one that no catalogue has. Its folder is that of the checkpoint, its
     * weights the checkpoint.
     *
     * @param checkpoint one that the family recognises
     * @param path where it is
     * @return empty, as by default, where checkpoints do not tell
     * @throws org.luthier.api.LuthierException if what it tells is no model of the family
     */
    default Optional<ModelDefinition> definition(Checkpoint checkpoint, Path path) {
        return Optional.empty();
    }

    /**
     * The family's name rules: JSON resources, one for each naming scheme that its checkpoints come in. The first whose names match is
     * used.
     */
    List<URL> nameRules();

    /** The family's reference adapters: JSON resources that tell how foreign recordings of intermediates are named. */
    default List<URL> referenceAdapters() {
        return List.of();
    }

    /**
     * Builds a model.
     *
     * @param definition what to build
     * @param weights taken from by canonical name
     * @param execution what to run on
     * @throws org.luthier.api.LuthierException if the configuration, a weight or the execution does not fit
     */
    Model load(ModelDefinition definition, Weights weights, Execution execution);
}
