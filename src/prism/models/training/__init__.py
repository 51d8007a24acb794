"""What every stage that trains a classifier shares: the loop, the losses, the learning rate, the augmentation."""
