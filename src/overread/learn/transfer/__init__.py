"""Starting from what a network learnt elsewhere: weights, their adaptation, frozen features, fine-tuning."""
