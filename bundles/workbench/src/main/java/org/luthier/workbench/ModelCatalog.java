package org.luthier.workbench;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.model.ModelDefinition;

/** The models that can be run: the {@code model.json} files in some folders. Read anew each time, so that a new model is seen at once. */
public final class ModelCatalog {
    private final List<Path> folders;

    /** @param folders folders of models; the first one that has an id wins. They may be inside a zip file system */
    public ModelCatalog(List<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    /**
     * A model.json that was found.
     *
     * @param id name of its folder
     * @param folder its folder
     * @param definition what it says, or null if it is broken
     * @param trouble one line on what is wrong with it, or null if nothing is
     */
    public record Item(String id, Path folder, ModelDefinition definition, String trouble) {}

    /** Every model, broken ones too, sorted by id. */
    public List<Item> items() {
        throw new UnsupportedOperationException("not written yet");
    }

    /** Every model that can be read, sorted by id. */
    public List<ModelDefinition> models() {
        throw new UnsupportedOperationException("not written yet");
    }

    /**
     * One model.
     *
     * @throws org.luthier.api.LuthierException if there is none of that id, with those there are, or if it is broken
     */
    public ModelDefinition get(String id) {
        throw new UnsupportedOperationException("not written yet");
    }
}
