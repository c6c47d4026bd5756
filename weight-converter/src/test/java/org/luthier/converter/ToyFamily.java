package org.luthier.converter;

import java.net.URL;
import java.util.List;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;

/** A family of one matrix and one bias. */
final class ToyFamily implements ModelFamily {
    private final String id;

    ToyFamily(String id) {
        this.id = id;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public String description() {
        return "one layer";
    }

    @Override
    public boolean recognises(Checkpoint checkpoint) {
        return checkpoint.tensors().containsKey("dense/kernel");
    }

    @Override
    public List<URL> nameRules() {
        return List.of(ToyFamily.class.getResource("toy.names.json"));
    }

    @Override
    public Model load(ModelDefinition definition, Weights weights, Execution execution) {
        throw new UnsupportedOperationException("the converter never runs a model");
    }
}
